insert into organization_notification_settings values (1, 2, 3);
