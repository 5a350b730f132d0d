insert into plain (id, title) values (1, 'cat');
