insert into items (code, note) values (1, 'a'); insert into marks default values;
