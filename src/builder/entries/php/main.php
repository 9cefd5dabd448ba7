<?php

// One process per call: the request is stdin, the answer stdout. Without Composer's loader App\ is the folder src.
$autoload = __DIR__ . '/vendor/autoload.php';
if (is_file($autoload)) {
    require $autoload;
} else {
    spl_autoload_register(function (string $class): void {
        $file = __DIR__ . '/src/' . str_replace('\\', '/', preg_replace('/^App\\\\/', '', $class)) . '.php';
        if (is_file($file)) {
            require $file;
        }
    });
}
echo (new App\Handler())->handle(stream_get_contents(STDIN));
