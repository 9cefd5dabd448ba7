package function

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpHandler

/** Answers one call; several may run at once. */
class Handler : HttpHandler {
    override fun handle(exchange: HttpExchange) {
        val answer = greet(exchange.requestBody.readAllBytes().decodeToString()).toByteArray()
        exchange.responseHeaders.set("Content-Type", "text/plain")
        exchange.sendResponseHeaders(200, answer.size.toLong())
        exchange.responseBody.write(answer)
    }
}

fun greet(name: String): String = "hello ${name.trim().ifEmpty { "world" }}\n"
