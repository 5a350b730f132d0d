insert into items values (9, 'nine');
