<?php

require __DIR__ . '/src/Handler.php';

$handler = new App\Handler();
foreach (["you\n" => "hello you\n", '' => "hello world\n"] as $body => $wanted) {
    $answer = $handler->handle($body);
    if ($answer !== $wanted) {
        fwrite(STDERR, 'got ' . json_encode($answer) . ', not ' . json_encode($wanted) . "\n");
        exit(1);
    }
}
echo "ok\n";
