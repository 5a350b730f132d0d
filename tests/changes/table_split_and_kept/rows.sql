insert into users (name, street) values ('ada', 'Main St'), ('eve', 'High St');
