set lock_timeout = '3s';

update orders set kind = 'plain' where id between 1 and 1000 and kind is null;
update orders o set kind = s.kind from shops s where s.id = o.shop_id and s.id = 7;
