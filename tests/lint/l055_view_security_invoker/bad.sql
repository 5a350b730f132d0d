create view open_notes as select * from notes where open;
