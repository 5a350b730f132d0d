insert into items values (1, 'abc', '{a,b}'), (2, 'a ', '{}');
