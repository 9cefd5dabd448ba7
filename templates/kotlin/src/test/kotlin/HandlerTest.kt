package function

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class HandlerTest {
    @Test
    fun `greets who calls`() = assertEquals("hello you\n", greet("you\n"))

    @Test
    fun `greets the world where nobody is named`() = assertEquals("hello world\n", greet(""))
}
