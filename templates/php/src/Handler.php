<?php

namespace App;

/** Runs in a process of its own for each call. */
class Handler
{
    public function handle(string $data): string
    {
        $name = trim($data);
        return 'hello ' . ($name === '' ? 'world' : $name) . "\n";
    }
}
