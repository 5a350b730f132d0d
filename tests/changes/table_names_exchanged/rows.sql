insert into drafts values (1, 'one'), (2, 'two');
insert into posts (title, draft_id) values ('a', 1), ('b', null);
