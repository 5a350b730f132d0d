set lock_timeout = '3s';

alter table orders drop column note, drop if exists remark;
