package Handler;

use strict;
use warnings;

# Runs in a process of its own for each call: gets the body, returns the answer.
sub handle {
    my ($body) = @_;
    my ($name) = $body =~ /^\s*(.*?)\s*$/s;
    return 'hello ' . ($name eq '' ? 'world' : $name) . "\n";
}

1;
