<?php
header('Content-Type: text/plain');
echo 'Laravel-like on ', PHP_VERSION, "\n";
