insert into items values (1, 'happy', '{happy,sad}'), (2, 'glad', '{glad}');
