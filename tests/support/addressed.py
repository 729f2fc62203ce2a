"""A good address for each channel that there is; a test fails where one is missing."""

ADDRESSES = {
    "console": "console of mei",
    "email": "mei@example.com",
    "webhook": "https://shop.example.com/messages/mei",
    "telegram": "4711",
    "slack": "U0123ABCD",
    "discord": "100000000000000001",
    "line": f"U{'0' * 31}1",
    "whatsapp": "+4915112345678",
    "wechat": "o" * 28,
    "wecom": "mei",
    "dingtalk": "mei",
    "feishu": f"ou_{'0' * 32}",
    "apprise": "15551234567",
}
