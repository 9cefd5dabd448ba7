package function;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Answers one call; several may run at once. */
public final class Handler implements HttpHandler {
  @Override
  public void handle(HttpExchange exchange) throws IOException {
    String name = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    byte[] answer = greet(name).getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "text/plain");
    exchange.sendResponseHeaders(200, answer.length);
    exchange.getResponseBody().write(answer);
  }

  static String greet(String name) {
    return "hello " + (name.isBlank() ? "world" : name.strip()) + "\n";
  }
}
