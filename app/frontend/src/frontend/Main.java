package frontend;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.Executors;

/** The frontend: a page that shows what the webapp's Service answers. */
public final class Main {
    private static final int PORT = 8080;

    public static void main(String[] args) throws Exception {
        URI webapp = URI.create(System.getenv().getOrDefault("WEBAPP_URL", "http://webservice"));
        Backend backend = new Backend(webapp, Duration.ofSeconds(2));

        HttpServer server = HttpServer.create(new InetSocketAddress(PORT), 0);
        server.createContext("/health", exchange -> Page.send(exchange, 200, "text/plain", "OK\n"));
        server.createContext("/", exchange -> {
            if (exchange.getRequestURI().getPath().equals("/")) {
                Page.send(exchange, 200, "text/html", Page.of(backend.ask()));
            } else {
                Page.send(exchange, 404, "text/plain", "There is only one page here: /\n");
            }
        });
        server.setExecutor(Executors.newFixedThreadPool(16));
        // On SIGTERM: no new requests, and up to five seconds for those that are under way.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.stop(5);
            System.out.println("Ended.");
        }));
        server.start();
        System.out.println("The frontend of " + webapp + " listens on port " + PORT + ".");
    }
}
