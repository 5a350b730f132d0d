set lock_timeout = '3s';

create policy own on notes for select using (owner_id = (select auth.uid()));
create policy members on notes for update to authenticated
  using (org_id in (select org_id from members where user_id = (select auth.uid() as uid)))
  with check ((select current_setting('app.tenant')) = tenant);
