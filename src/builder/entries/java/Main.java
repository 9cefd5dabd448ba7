package tinderbox;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** A server on $PORT around the handler whose class the command line names. */
public final class Main {
  private static final int STOP_SECONDS = 3600;

  public static void main(String[] args) throws Exception {
    HttpHandler handler = (HttpHandler) Class.forName(args[0]).getDeclaredConstructor().newInstance();
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/", exchange -> answer(handler, exchange));
    // How long the end may take is the platform's to say.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(STOP_SECONDS)));
    server.start();
  }

  private static void answer(HttpHandler handler, HttpExchange exchange) throws IOException {
    try (exchange) {
      handler.handle(exchange);
    } catch (RuntimeException | IOException error) {
      error.printStackTrace();
      if (exchange.getResponseCode() == -1) {
        exchange.sendResponseHeaders(500, -1);
      }
    }
  }
}
