"""The whole engine on one machine: PostgreSQL, a Kafka broker, the services, and what starts and watches them."""
