insert into items values (1, 'x', '{p}'), (2, 'y', '{q,p}'), (3, 'z', '{}');
