-- A role for Grafana in pricing's database, for the board "campaign live": it reads counts and prices, and nothing of a person.
--
--     psql -d groupbuy_pricing -v password="'...'" -f deploy/observability/grafana-reader.sql
CREATE ROLE groupbuy_grafana LOGIN PASSWORD :password;
ALTER ROLE groupbuy_grafana SET default_transaction_read_only = on;
ALTER ROLE groupbuy_grafana SET statement_timeout = '5s';
GRANT SELECT ON tallies, campaigns, price_tables, price_steps TO groupbuy_grafana;
