package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** The live page: what the counts are, for a person. Nothing of it comes from another host. */
final class Page {
    /** Scripts and styles are files of this port, and there is nowhere else to send anything. */
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            + " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

    private static final String CSS = "text/css; charset=utf-8";
    private static final String JAVASCRIPT = "text/javascript; charset=utf-8";
    private static final List<String> MODULES =
            List.of("page.js", "chart.js", "counts.js", "status.js", "table.js", "text.js");

    private record File(String path, String type, Buffer bytes) {}

    private final List<File> files;

    private Page(List<File> files) {
        this.files = files;
    }

    /** Reads the files; not for an event loop. */
    static Page load(Settings settings) throws IOException {
        String curl = (settings.tls().isPresent() ? "https" : "http") + ":" + settings.httpPort();
        Buffer index = Buffer.buffer(read("page/index.html").toString(UTF_8).replace("${ingest}", curl));
        List<File> files = new ArrayList<>(List.of(
                new File("/", "text/html; charset=utf-8", index),
                new File("/page.css", CSS, read("page/page.css")),
                new File("/uplot.css", CSS, read(UPLOT + "uPlot.min.css")),
                new File("/uplot.js", JAVASCRIPT, read(UPLOT + "uPlot.iife.min.js"))));
        for (String module : MODULES) {
            files.add(new File("/" + module, JAVASCRIPT, read("page/" + module)));
        }
        return new Page(List.copyOf(files));
    }

    private static Buffer read(String resource) throws IOException {
        try (InputStream in = Page.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IOException("The jar is not whole: " + resource + " is missing");
            }
            return Buffer.buffer(in.readAllBytes());
        }
    }

    void mount(Router router) {
        files.forEach(file -> router.get(file.path).handler(context -> send(context, file)));
    }

    private static void send(RoutingContext context, File file) {
        HttpServerResponse response = context.response();
        response.putHeader("Content-Type", file.type)
                .putHeader("Content-Security-Policy", POLICY)
                .putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("Referrer-Policy", "no-referrer")
                .putHeader("Cache-Control", "no-cache")
                .end(file.bytes);
    }
}
