insert into days values (1, 'glad', '{glad,sad}'), (2, 'sad', '{}'), (3, 'calm', '{calm}');
