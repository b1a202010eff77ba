create role app login password 'app' nosuperuser nocreatedb nocreaterole noreplication nobypassrls;

revoke connect on database postgres from public;

alter database template1 is_template false;

drop database template1;

checkpoint;

