create extension citext;
create schema app;
create type mood as enum ('calm');
create type pair as (a int, b int);
create domain d as int constraint d_check check (value > 0);
create domain plain as int;
create table u (id int primary key);
create table log (id int, name text);
create table t (
  id int not null,
  n int,
  code varchar(20),
  name text,
  ci citext,
  moody mood,
  dom d,
  plain plain,
  bits bit(8),
  varbits varbit(8),
  local timestamp,
  at timestamptz
);
alter table t add constraint t_n_fkey foreign key (n) references u;
create unique index t_n_idx on t (n);
create unique index t_id_idx on t (id);
alter table t enable row level security;
alter table u enable row level security;
alter table log enable row level security;
create policy p on t using (n = 2);
create policy own on t to service_role using (n = 2);
create policy reads on t for select using (n = 2);
create function trig() returns trigger language plpgsql as 'begin return new; end';
create trigger g before insert on t for each row execute function trig();
create rule r as on update to log do also notify x;
create table typed of pair;
create table parts (id int) partition by range (id);
create table part partition of parts for values from (1) to (10);
create materialized view app.m0 as select n from t;
create materialized view m as select n from t;
create view v with (security_invoker = true) as select n from t;
create view safe with (security_invoker = true) as select n from t;
