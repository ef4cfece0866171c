package frontend;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The page, readable by people, on any width, and by screen readers. */
final class Page {
    private static final String ERROR = "ERROR RECEIVED";

    private Page() {}

    static String of(Optional<String> answer) {
        String role = answer.isPresent() ? "status" : "alert";
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>Frontend</title>
                <style>
                  body { font: 1.25rem/1.5 system-ui, sans-serif; margin: 0; color: #1b1b1b; background: #fff }
                  main { max-width: 40rem; margin: 0 auto; padding: 2rem 1rem }
                  h1 { font-size: 1.75rem; line-height: 1.2 }
                  p { border-left: .3rem solid; padding: .5rem 1rem; overflow-wrap: anywhere }
                  .status { border-color: #0b6e4f; background: #eef8f3 }
                  .alert { border-color: #b00020; background: #fdf0f1; font-weight: bold }
                </style>
                </head>
                <body>
                <main>
                <h1>The webapp says</h1>
                <p class="%1$s" role="%1$s">%2$s</p>
                </main>
                </body>
                </html>
                """.formatted(role, escape(answer.orElse(ERROR)));
    }

    static void send(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        try (exchange) {
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
