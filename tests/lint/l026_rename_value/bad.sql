alter type mood rename value 'happy' to 'glad';
