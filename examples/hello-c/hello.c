#include <stdio.h>

int main(void) {
  puts("hello function");
  return 0;
}
