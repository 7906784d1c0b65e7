package dev.sluice.kubernetes;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** Requests to ports of this machine, which containers share. */
final class Web {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Web() {}

    static HttpResponse<String> post(int port, String event) throws IOException, InterruptedException {
        return send(request(port, "/api/events").POST(BodyPublishers.ofString(event)));
    }

    static HttpResponse<String> get(int port, String path) throws IOException, InterruptedException {
        return send(request(port, path));
    }

    /** Whether it is there and answers 200. */
    static boolean answers(int port, String path) throws InterruptedException {
        try {
            return get(port, path).statusCode() == 200;
        } catch (IOException notYet) {
            return false;
        }
    }

    private static HttpRequest.Builder request(int port, String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + port + path));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }
}
