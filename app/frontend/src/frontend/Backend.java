package frontend;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Requests to the web application. */
final class Backend {
    private static final int LONGEST = 10_000;

    private final HttpRequest request;
    private final Duration timeout;

    Backend(URI address, Duration timeout) {
        this.request = HttpRequest.newBuilder(address).timeout(timeout).build();
        this.timeout = timeout;
    }

    /** Returns the web application's answer, or nothing if it fails, comes too late, or isn't text. */
    Optional<String> ask() {
        // A new client for each request, because a connection that is kept open would always lead to the same Pod.
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(timeout).build();
        CompletableFuture<HttpResponse<byte[]>> answer =
                client.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
        try {
            // The request's own timeout only covers the headers; this one covers the body, too.
            HttpResponse<byte[]> response = answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            if (response.statusCode() != 200) {
                return none("HTTP " + response.statusCode());
            }
            return text(response.body());
        } catch (ExecutionException | TimeoutException error) {
            answer.cancel(true);
            return none(error.toString());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            return none("interrupted");
        }
    }

    private Optional<String> none(String why) {
        System.out.println("No answer from " + request.uri() + ": " + why);
        return Optional.empty();
    }

    private Optional<String> text(byte[] body) {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
            boolean fit = text.length() <= LONGEST && text.chars().noneMatch(c -> c < ' ' && c != '\n' && c != '\r' && c != '\t');
            return fit ? Optional.of(text) : none("the answer has characters that can't be shown");
        } catch (CharacterCodingException error) {
            return none("the answer isn't text");
        }
    }
}
