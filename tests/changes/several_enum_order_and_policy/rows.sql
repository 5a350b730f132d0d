insert into items values (1, 'glad'), (2, 'sad');
