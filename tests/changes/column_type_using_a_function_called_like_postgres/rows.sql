insert into texts values (1, '3');
