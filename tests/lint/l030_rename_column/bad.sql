set lock_timeout = '3s';

alter table orders rename column total to amount;
alter table orders rename note to remark;
