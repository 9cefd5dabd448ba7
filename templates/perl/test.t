use strict;
use warnings;
use Test::More tests => 2;
use Handler;

is Handler::handle("you\n"), "hello you\n", 'greets who calls';
is Handler::handle(''), "hello world\n", 'greets the world where nobody is named';
