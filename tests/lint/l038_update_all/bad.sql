set lock_timeout = '3s';

update orders set kind = 'plain';
update orders set kind = 'plain' where kind is null;
