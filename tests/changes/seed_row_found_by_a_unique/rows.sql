insert into ranks (name) values ('Owner');
