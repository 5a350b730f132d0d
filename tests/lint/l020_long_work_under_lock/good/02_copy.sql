insert into archive (id, note) select id, note from orders;
