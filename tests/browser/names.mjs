// The classes of the pictures: tests/browser/pictures has the same.
export const names = ['</script><script>alert(1)</script>', '日本のボブテイル', 'القط الماو', '🐈 a & b, "quoted" \'name\''];
