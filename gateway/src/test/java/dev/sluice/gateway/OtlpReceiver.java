package dev.sluice.gateway;

import static dev.sluice.gateway.Fixture.get;

import com.google.protobuf.InvalidProtocolBufferException;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Takes spans as a collector does, over HTTP in protobuf. */
final class OtlpReceiver implements AutoCloseable {
    private final Vertx vertx = Vertx.vertx();
    private final Queue<ExportTraceServiceRequest> requests = new ConcurrentLinkedQueue<>();
    private final HttpServer server;

    /** @param silent whether it takes them and never says so */
    OtlpReceiver(boolean silent) throws Exception {
        server = get(vertx.createHttpServer()
                .requestHandler(request -> request.body().onSuccess(body -> take(request, body, silent)))
                .listen(0));
    }

    private void take(HttpServerRequest request, Buffer body, boolean silent) {
        try {
            requests.add(ExportTraceServiceRequest.parseFrom(body.getBytes()));
        } catch (InvalidProtocolBufferException e) {
            request.response().setStatusCode(400).end();
            return;
        }
        if (!silent) {
            request.response()
                    .putHeader("Content-Type", "application/x-protobuf")
                    .end(Buffer.buffer(
                            ExportTraceServiceResponse.getDefaultInstance().toByteArray()));
        }
    }

    String endpoint() {
        return "http://localhost:" + server.actualPort();
    }

    /** All that came, as text. */
    String text() {
        return requests.toString();
    }

    List<Span> spans() {
        return requests.stream()
                .flatMap(request -> request.getResourceSpansList().stream())
                .flatMap(resource -> resource.getScopeSpansList().stream())
                .flatMap(scope -> scope.getSpansList().stream())
                .toList();
    }

    List<Span> spansOf(String trace) {
        return spans().stream()
                .filter(span -> hex(span.getTraceId().toByteArray()).equals(trace))
                .toList();
    }

    static Map<String, Object> attributes(Span span) {
        Map<String, Object> attributes = new HashMap<>();
        for (KeyValue attribute : span.getAttributesList()) {
            AnyValue value = attribute.getValue();
            attributes.put(attribute.getKey(), value.hasIntValue() ? value.getIntValue() : value.getStringValue());
        }
        return attributes;
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @Override
    public void close() throws Exception {
        get(vertx.close());
    }
}
