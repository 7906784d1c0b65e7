package dev.sluice.kubernetes;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.StatusBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.client.NamespacedKubernetesClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesCrudDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.http.Buffer;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Stands in for a cluster's API server, which no build has: fabric8's, which keeps objects and tells those who watch them, behind
 * what one of a cluster has beside that and a driver meets: a token, the role of an account, and a refusal of what no pod may have.
 */
final class ApiServer implements AutoCloseable {
    static final String NAMESPACE = "sluice";
    private static final String OPERATOR = "operator";
    private static final Pattern PATH =
            Pattern.compile("/api/v1/namespaces/" + NAMESPACE + "/([a-z]+)(/[^/?]+)?(\\?.*)?");
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int UNPROCESSABLE = 422;

    /** Says each request; held, or its level would go with it. */
    private static final Logger LOG = Logger.getLogger(MockWebServer.class.getName());

    static {
        LOG.setLevel(Level.WARNING);
    }

    private final KubernetesMockServer server;
    private final MockWebServer web = new MockWebServer();
    private final String token;
    private final Role role;
    private final Set<String> done = ConcurrentHashMap.newKeySet();
    private final Set<String> refused = ConcurrentHashMap.newKeySet();

    /**
     * @param token of the one account
     * @param role what that account may do
     */
    ApiServer(String token, Role role) {
        this.token = token;
        this.role = role;
        server = new KubernetesMockServer(new Context(), web, new HashMap<>(), new Door(), true);
        server.init(InetAddress.getLoopbackAddress(), 0);
    }

    int port() {
        return web.getPort();
    }

    /** A file of PEM. */
    Path certificate() {
        return Path.of(web.getSelfSignedCertificate().certificatePath());
    }

    /** Of somebody who may do everything. */
    NamespacedKubernetesClient operator() {
        return server.createClient(builder -> builder.editOrNewConfig()
                .withNamespace(NAMESPACE)
                .withOauthToken(OPERATOR)
                .endConfig());
    }

    /** What the account did, as {@code create pods}. */
    Set<String> done() {
        return done;
    }

    /** What its role allows, in the same form. */
    Set<String> allowed() {
        return role.getRules().stream()
                .filter(rule -> rule.getApiGroups().contains(""))
                .flatMap(rule -> rule.getResources().stream()
                        .flatMap(resource -> rule.getVerbs().stream().map(verb -> verb + " " + resource)))
                .collect(Collectors.toSet());
    }

    /** What it asked for and its role does not allow, or no pod may have. */
    Set<String> refused() {
        return refused;
    }

    @Override
    public void close() {
        server.destroy();
    }

    private final class Door extends Dispatcher {
        private final KubernetesCrudDispatcher objects = new KubernetesCrudDispatcher();

        @Override
        public MockResponse dispatch(RecordedRequest request) {
            String bearer = request.getHeader("Authorization");
            if (("Bearer " + OPERATOR).equals(bearer)) {
                return objects.dispatch(request);
            }
            if (!("Bearer " + token).equals(bearer)) {
                return refuse(UNAUTHORIZED, "Unauthorized", "no token: " + request.getRequestLine());
            }
            Matcher path = PATH.matcher(request.getPath());
            if (!path.matches()) {
                return refuse(FORBIDDEN, "Forbidden", request.getRequestLine());
            }
            String verb = verb(request.getMethod(), path.group(2) != null, request.getPath());
            String deed = verb + " " + path.group(1);
            if (!allowed().contains(deed)) {
                return refuse(FORBIDDEN, "Forbidden", deed);
            }
            done.add(deed);
            if (!verb.equals("create")) {
                return objects.dispatch(request);
            }
            Pod pod = Manifests.API.unmarshal(
                    new String(request.getBody().getBytes(), StandardCharsets.UTF_8), Pod.class);
            Optional<String> wrong = wrong(pod);
            if (wrong.isPresent()) {
                return refuse(UNPROCESSABLE, "Invalid", wrong.get());
            }
            pod.setStatus(new PodStatusBuilder().withPhase("Pending").build());
            return objects.dispatch(new RecordedRequest(
                    request.getHttpVersion(),
                    request.method(),
                    request.getPath(),
                    request.getHeaders(),
                    new Buffer(Manifests.API.asJson(pod).getBytes(StandardCharsets.UTF_8))));
        }

        private MockResponse refuse(int code, String reason, String message) {
            refused.add(message);
            return new MockResponse()
                    .setResponseCode(code)
                    .setHeader("Content-Type", "application/json")
                    .setBody(Manifests.API.asJson(new StatusBuilder()
                            .withStatus("Failure")
                            .withCode(code)
                            .withReason(reason)
                            .withMessage(message)
                            .build()));
        }
    }

    private static String verb(String method, boolean one, String path) {
        return switch (method) {
            case "POST" -> "create";
            case "PUT" -> "update";
            case "PATCH" -> "patch";
            case "DELETE" -> one ? "delete" : "deletecollection";
            default -> path.contains("watch=true") ? "watch" : one ? "get" : "list";
        };
    }

    /** What the types of a pod allow and the API does not. */
    private static Optional<String> wrong(Pod pod) {
        List<String> paths = pod.getSpec().getContainers().stream()
                .flatMap(container -> container.getVolumeMounts().stream())
                .map(VolumeMount::getMountPath)
                .toList();
        return new HashSet<>(paths).size() == paths.size()
                ? Optional.empty()
                : Optional.of("spec.containers[0].volumeMounts: mountPath must be unique: " + paths);
    }
}
