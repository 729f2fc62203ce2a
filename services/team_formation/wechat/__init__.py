"""What WeChat asks of a page before it shows a card of the page's own making: a file, a ticket, a signature."""
