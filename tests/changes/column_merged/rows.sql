insert into people values (1, 'Ada', 'Lovelace'), (2, 'Alan', 'Turing');
