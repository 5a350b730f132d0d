create table notes (id uuid primary key, body text);
create table private.keys (id int primary key);
