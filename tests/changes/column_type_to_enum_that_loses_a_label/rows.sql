insert into items values (1, 'draft'), (2, 'sent');
