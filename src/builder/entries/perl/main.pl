# One process per call: the request is stdin, the answer stdout.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/local/lib/perl5";
use Handler;

binmode STDIN;
binmode STDOUT;
my $request = do { local $/; <STDIN> };
print Handler::handle(defined $request ? $request : '');
