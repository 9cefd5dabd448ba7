package function;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class HandlerTest {
  @Test
  void greetsWhoCalls() {
    assertEquals("hello you\n", Handler.greet("you\n"));
  }

  @Test
  void greetsTheWorldWhereNobodyIsNamed() {
    assertEquals("hello world\n", Handler.greet(""));
  }
}
