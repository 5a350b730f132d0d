insert into texts values (1, 'a', '{b,c}');
