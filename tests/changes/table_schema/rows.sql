insert into owners values (1, 'ann');
insert into places (owner_id, name, slug) values (1, 'park', 'p'), (1, 'pier', null);
insert into visits values (1, 1), (2, 2);
