package dev.sluice.gateway;

import static io.opentelemetry.api.common.AttributeKey.longKey;
import static io.opentelemetry.api.common.AttributeKey.stringKey;

import dev.sluice.settings.Topics;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/**
 * The spans of one request: its own, and one of the way of its records to Kafka or to disk, however many they are, for ten
 * thousand events would be ten thousand spans. Named as OpenTelemetry's semantic conventions have it; nothing of them is
 * what a sender chose.
 */
final class RequestSpans implements RequestTrace {
    private static final AttributeKey<String> ERROR_TYPE = stringKey("error.type");
    private static final AttributeKey<Long> STATUS = longKey("http.response.status_code");
    private static final AttributeKey<Long> MESSAGES = longKey("messaging.batch.message_count");
    private static final AttributeKey<String> TOPIC = stringKey("messaging.destination.name");
    private static final AttributeKey<String> PARTITION = stringKey("messaging.destination.partition.id");
    private static final AttributeKey<Long> OFFSET = longKey("messaging.kafka.offset");
    private static final AttributeKey<Long> SPOOLED = longKey("sluice.spooled");
    private static final Attributes OF_ALL_SENDS = Attributes.of(
            stringKey("messaging.system"),
            "kafka",
            stringKey("messaging.operation.name"),
            "send",
            stringKey("messaging.operation.type"),
            "send");
    private static final int SERVER_ERROR = 500;

    private final Tracer tracer;
    private final Topics topics;
    private final Context request;
    private final Span span;
    private TraceContext ofRecords = TraceContext.NONE;
    private @Nullable Span send;
    private long records;
    private boolean ended;

    /** Begins; ends with the answer, or with the connection. */
    RequestSpans(Tracer tracer, Topics topics, HttpServerRequest received) {
        this.tracer = tracer;
        this.topics = topics;
        Context caller = TraceContext.extract(received.headers());
        this.span = tracer.spanBuilder(received.method() + " " + received.path())
                .setParent(caller)
                .setSpanKind(SpanKind.SERVER)
                .setAttribute("http.request.method", received.method().name())
                .setAttribute("http.route", received.path())
                .setAttribute("url.path", received.path())
                .setAttribute("url.scheme", String.valueOf(received.scheme()))
                .setAttribute("network.protocol.version", version(received.version()))
                .startSpan();
        this.request = caller.with(span);
        if (span.isRecording()) {
            received.response()
                    .bodyEndHandler(answered -> end(received.response()))
                    .closeHandler(gone -> end(received.response()));
        }
    }

    private static String version(HttpVersion version) {
        return switch (version) {
            case HTTP_1_0 -> "1.0";
            case HTTP_1_1 -> "1.1";
            case HTTP_2 -> "2";
            case HTTP_3 -> "3";
        };
    }

    private void end(HttpServerResponse response) {
        if (ended) {
            return;
        }
        ended = true;
        if (!response.ended()) {
            fail(span, "connection_closed");
        } else {
            int status = response.getStatusCode();
            span.setAttribute(STATUS, (long) status);
            if (status >= SERVER_ERROR) {
                fail(span, Integer.toString(status));
            }
        }
        span.end();
    }

    private static void fail(Span span, String type) {
        span.setAttribute(ERROR_TYPE, type).setStatus(StatusCode.ERROR);
    }

    @Override
    public SpanContext span() {
        return span.getSpanContext();
    }

    @Override
    public TraceContext ofRecord() {
        records++;
        if (send == null) {
            send = tracer.spanBuilder("send")
                    .setParent(request)
                    .setSpanKind(SpanKind.PRODUCER)
                    .setAllAttributes(OF_ALL_SENDS)
                    .startSpan();
            if (topics.all().size() == 1) {
                nameTopic(send, topics.all().iterator().next());
            }
            ofRecords = TraceContext.of(request.with(send));
        }
        return ofRecords;
    }

    private static Span nameTopic(Span send, String topic) {
        return send.updateName("send " + topic).setAttribute(TOPIC, topic);
    }

    @Override
    public void failed(Refusal refusal) {
        if (send != null) {
            fail(send, refusal.rejection().code());
        }
    }

    @Override
    public void published(Results results) {
        if (send == null) {
            return;
        }
        if (results.isBatch()) {
            send.setAttribute(MESSAGES, records);
        } else if (results.receipt() instanceof Publisher.Stored stored) {
            nameTopic(send, stored.topic())
                    .setAttribute(PARTITION, Integer.toString(stored.partition()))
                    .setAttribute(OFFSET, stored.offset());
        }
        if (results.spooled() > 0) {
            send.setAttribute(SPOOLED, (long) results.spooled());
        }
        send.end();
    }
}
